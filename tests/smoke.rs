use tapetum::gpu::Options;
use tapetum::optim::Adam;
use tapetum::*;

fn devices() -> Vec<Device> {
    vec![Device::cpu(), Device::oracle(), Device::gpu(&Options { software: true, checks: true, ..Options::default() }).unwrap()]
}

#[test]
fn trains() {
    for device in devices() {
        let mut t = Tape::new();
        let x = t.input("x", TensorType::f32([7, 65])).unwrap();
        let l = t.parameter("l", [5, 7], Init::Normal { mean: 0.0, std: 1.0, seed: 0, stream: 0 }).unwrap();
        let sp = t.soft_parcellation(l, x).unwrap();
        let r = t.correlation(sp.series, None, true).unwrap();
        let sq = t.square(r).unwrap();
        let loss = t.mean(sq, &[], false).unwrap();
        let g = t.gradient(loss, &[l]).unwrap();
        Adam::new(0.1).apply(&mut t, &[(l, g[0])]).unwrap();
        t.keep_last("losses", loss, 16).unwrap();
        println!("{t}");
        let mut p = device.compile(&t, &[loss]).unwrap();
        if let Some(plan) = p.plan() {
            println!("{plan}");
        }
        let data: Vec<f32> = (0..7 * 65).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
        p.write(x, &HostTensor::f32([7, 65], data).unwrap()).unwrap();
        for _ in 0..10 {
            p.step().unwrap();
        }
        println!("{} {:?} {:?}", device.name(), p.state().read("losses").unwrap().to_f64_vec(), p.counts());
    }
}
